package decode

import "strconv"

// Reason says why a record was refused, for machines.
type Reason string

// The reasons.
const (
	InvalidJSON          Reason = "invalid_json"
	NotAnObject          Reason = "not_an_object"
	InvalidUTF8          Reason = "invalid_utf8" // a lone surrogate among them
	InvalidCSV           Reason = "invalid_csv"  // quotes against RFC 4180
	CSVFieldCount        Reason = "csv_field_count"
	LineTooLong          Reason = "line_too_long"
	TooDeep              Reason = "too_deep"
	TooManyFields        Reason = "too_many_fields"
	DuplicateField       Reason = "duplicate_field" // a known field stands twice
	WrongType            Reason = "wrong_type"
	MissingUserID        Reason = "missing_user_id"
	UserIDTooLong        Reason = "user_id_too_long"
	MissingTime          Reason = "missing_time"
	InvalidTime          Reason = "invalid_time"
	TimeOutOfRange       Reason = "time_out_of_range"
	ValueTooLong         Reason = "value_too_long"
	InvalidSessionRecord Reason = "invalid_session_record"
)

// Reject tells why one record was refused. The Decoder reuses it: it holds until Each returns or the next call.
type Reject struct {
	Reason Reason
	Field  string // name in the input; empty when no single field is to blame
	Detail string // for people
}

func (r *Reject) Error() string {
	s := string(r.Reason)
	if r.Field != "" {
		s += ": field " + strconv.Quote(r.Field)
	}
	if r.Detail != "" {
		s += ": " + r.Detail
	}
	return s
}

func (d *Decoder) refuse(reason Reason, field, detail string) *Reject {
	d.rej = Reject{reason, field, detail}
	return &d.rej
}

// malformed refuses b for what stands at index i.
func (d *Decoder) malformed(b []byte, i int, want string) *Reject {
	if i >= len(b) {
		return d.refuse(InvalidJSON, "", "the record ends where "+want+" should stand")
	}
	return d.refuse(InvalidJSON, "", want+" should stand at byte "+strconv.Itoa(i)+", not "+strconv.QuoteRuneToASCII(rune(b[i])))
}

// bad is malformed for those who give an index: -1.
func (d *Decoder) bad(b []byte, i int, want string) int {
	_ = d.malformed(b, i, want)
	return -1
}
