package decode

import (
	"errors"
	"strconv"

	"rollcall"
)

// build makes the event of the values scanned.
func (d *Decoder) build(ev *rollcall.Event) *Reject {
	ev.Reset(len(d.dims))
	if rej := d.sessionRecord(ev); rej != nil {
		return rej
	}
	if rej := d.user(ev); rej != nil {
		return rej
	}
	if rej := d.time(ev); rej != nil {
		return rej
	}
	if rej := d.text(d.fields[fieldID], rollcall.MaxEventID, &ev.ID); rej != nil {
		return rej
	}
	if rej := d.text(d.fields[fieldSession], rollcall.MaxSessionID, &ev.Session); rej != nil {
		return rej
	}
	if rej := d.text(d.fields[fieldType], rollcall.MaxType, &ev.Type); rej != nil {
		return rej
	}
	for i, input := range d.dims {
		if rej := d.text(input, rollcall.MaxDimension, &ev.Dims[i]); rej != nil {
			return rej
		}
	}
	return nil
}

// get gives the value of an input field, nil when it is missing, null or empty.
func (d *Decoder) get(input uint8) *value {
	v := &d.values[input]
	if d.seen>>input&1 == 0 || v.kind == null || v.kind == text && len(v.text) == 0 {
		return nil
	}
	return v
}

// text copies the text of a string, number or boolean.
func (d *Decoder) text(input uint8, limit int, to *[]byte) *Reject {
	v := d.get(input)
	switch {
	case v == nil:
		return nil
	case v.kind == composite:
		return d.refuse(WrongType, d.names.list[input], "want a string, number or boolean")
	case len(v.text) > limit:
		return d.refuse(ValueTooLong, d.names.list[input], "at most "+strconv.Itoa(limit)+" bytes")
	}
	*to = v.text
	return nil
}

func (d *Decoder) user(ev *rollcall.Event) *Reject {
	input := d.fields[fieldUser]
	v := d.get(input)
	switch {
	case v == nil && ev.Record:
		return nil
	case v == nil:
		return d.refuse(MissingUserID, d.names.list[input], "only a session record may lack it")
	case v.kind != text && (v.kind != number || digits(v.text, 1) < len(v.text)):
		return d.refuse(WrongType, d.names.list[input], "want a string or an integer")
	case len(v.text) > rollcall.MaxUserID:
		return d.refuse(UserIDTooLong, d.names.list[input], "at most "+strconv.Itoa(rollcall.MaxUserID)+" bytes")
	}
	ev.User = v.text
	return nil
}

func (d *Decoder) time(ev *rollcall.Event) *Reject {
	input := d.fields[fieldTime]
	v := d.get(input)
	if v == nil {
		return d.date(ev)
	}
	if v.kind != text && v.kind != number {
		return d.refuse(WrongType, d.names.list[input], "want a string or a number")
	}
	ms, err := d.clock.parse(v.text)
	if err != nil {
		return d.badTime(input, err)
	}
	ev.Time = ms
	return nil
}

// date takes event_date for the time.
func (d *Decoder) date(ev *rollcall.Event) *Reject {
	input := d.fields[fieldDate]
	v := d.get(input)
	if v == nil && d.at != nil {
		ev.Time = *d.at
		return d.inRange(d.fields[fieldTime], ev)
	}
	if v == nil {
		return d.refuse(MissingTime, d.names.list[d.fields[fieldTime]], "an event has a time")
	}
	if v.kind != text {
		return d.refuse(WrongType, d.names.list[input], "want a string YYYY-MM-DD")
	}
	date, ok := parseDate(v.text)
	if !ok {
		return d.refuse(InvalidTime, d.names.list[input], "want YYYY-MM-DD")
	}
	ev.Time = d.clock.dayStart(date)
	return d.inRange(input, ev)
}

func (d *Decoder) inRange(input uint8, ev *rollcall.Event) *Reject {
	if ev.Time < minTime || ev.Time > maxTime {
		return d.badTime(input, ErrTimeRange)
	}
	return nil
}

func (d *Decoder) badTime(input uint8, err error) *Reject {
	reason := InvalidTime
	if errors.Is(err, ErrTimeRange) {
		reason = TimeOutOfRange
	}
	return d.refuse(reason, d.names.list[input], err.Error())
}
