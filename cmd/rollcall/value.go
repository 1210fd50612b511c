package main

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// value is a configured value: set takes what YAML gives (text, numbers, lists, maps) or text from a flag or variable,
// and plain gives it back for YAML.
type value interface {
	set(v any) error
	plain() any
}

type (
	text     string
	list     []string
	dict     map[string]string
	toggle   bool
	number   int
	count    int64
	size     int64
	duration time.Duration
)

func (t *text) plain() any { return string(*t) }
func (t *text) set(v any) error {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("%v: want text; put it in quotes", v)
	}
	*t = text(strings.TrimSpace(s))
	return nil
}

func (l *list) plain() any { return append([]string{}, *l...) }
func (l *list) set(v any) error {
	*l = nil
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*l = append(*l, part)
			}
		}
		return nil
	case []any:
		for _, item := range v {
			s, ok := item.(string)
			if !ok {
				return fmt.Errorf("%v: want a list of texts; put each in quotes", item)
			}
			*l = append(*l, s)
		}
		return nil
	}
	return fmt.Errorf("%v: want a list, such as [a, b]", v)
}

func (t *toggle) plain() any { return bool(*t) }
func (t *toggle) set(v any) error {
	on, err := strconv.ParseBool(strings.TrimSpace(fmt.Sprint(v)))
	if err != nil {
		return fmt.Errorf("%v: want true or false", v)
	}
	*t = toggle(on)
	return nil
}

func (d *dict) plain() any { return map[string]string(*d) }

// set adds to what lower layers gave.
func (d *dict) set(v any) error {
	pairs, err := pairsOf(v)
	if err != nil {
		return err
	}
	merged := make(dict, len(*d)+len(pairs))
	for k, v := range *d {
		merged[k] = v
	}
	for k, v := range pairs {
		merged[k] = v
	}
	*d = merged
	return nil
}

func pairsOf(v any) (map[string]string, error) {
	pairs := map[string]string{}
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			if strings.TrimSpace(part) == "" {
				continue
			}
			k, field, ok := strings.Cut(part, "=")
			if !ok {
				return nil, fmt.Errorf("%q: want name=field", part)
			}
			pairs[strings.TrimSpace(k)] = strings.TrimSpace(field)
		}
	case map[string]any:
		for k, field := range v {
			s, ok := field.(string)
			if !ok {
				return nil, fmt.Errorf("%s: %v: want the name of a field as text", k, field)
			}
			pairs[k] = s
		}
	default:
		return nil, fmt.Errorf("%v: want a map, such as {time: created_at}", v)
	}
	return pairs, nil
}

func (n *number) plain() any { return int(*n) }
func (n *number) set(v any) error {
	i, err := strconv.Atoi(strings.TrimSpace(fmt.Sprint(v)))
	if err != nil {
		return fmt.Errorf("%v: want a whole number", v)
	}
	*n = number(i)
	return nil
}

func (c *count) plain() any { return int64(*c) }
func (c *count) set(v any) error {
	i, err := strconv.ParseInt(strings.TrimSpace(fmt.Sprint(v)), 10, 64)
	if err != nil || i < 0 {
		return fmt.Errorf("%v: want a whole number from 0", v)
	}
	*c = count(i)
	return nil
}

func (s *size) plain() any {
	for _, u := range []struct {
		bytes size
		name  string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}, {1 << 10, "KiB"}} {
		if *s != 0 && *s%u.bytes == 0 {
			return strconv.FormatInt(int64(*s/u.bytes), 10) + u.name
		}
	}
	return int64(*s)
}

func (s *size) set(v any) error {
	n, err := humanize.ParseBytes(fmt.Sprint(v))
	if err != nil || n > math.MaxInt64 {
		return fmt.Errorf("%v: want a size, such as 16MiB or 16777216", v)
	}
	*s = size(n)
	return nil
}

func (d *duration) plain() any { return formatDuration(time.Duration(*d)) }
func (d *duration) set(v any) error {
	parsed, err := parseDuration(strings.TrimSpace(fmt.Sprint(v)))
	*d = duration(parsed)
	return err
}

var (
	durationForm = regexp.MustCompile(`^(\d+(\.\d+)?(ms|w|d|h|m|s))+$`)
	durationPart = regexp.MustCompile(`(\d+(?:\.\d+)?)(ms|w|d|h|m|s)`)
	errDuration  = errors.New("want a duration, such as 30m, 7d or 1h30m")
)

// parseDuration reads numbers with units from weeks to milliseconds; 0 and the empty text are none.
func parseDuration(s string) (time.Duration, error) {
	if s == "" || s == "0" {
		return 0, nil
	}
	if !durationForm.MatchString(s) {
		return 0, fmt.Errorf("%q: %w", s, errDuration)
	}
	total := time.Duration(0)
	for _, part := range durationPart.FindAllStringSubmatch(s, -1) {
		d, err := times(part[1], unitOf(part[2]))
		if total += d; err != nil || total > 200*365*day {
			return 0, fmt.Errorf("%q: %w of less than 200 years", s, errDuration)
		}
	}
	return total, nil
}

func unitOf(name string) time.Duration {
	for _, u := range durationUnits() {
		if u.name == name {
			return u.length
		}
	}
	return 0
}

// times gives a decimal number of units, exact in its whole part.
func times(number string, unit time.Duration) (time.Duration, error) {
	whole, fraction, _ := strings.Cut(number, ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || n > int64(200*365*day/unit) {
		return 0, errDuration
	}
	f, err := strconv.ParseFloat("0."+fraction+"0", 64)
	return time.Duration(n)*unit + time.Duration(math.Round(f*float64(unit))), err
}

type durationUnit struct {
	name   string
	length time.Duration
}

// durationUnits lists the units from the longest to the shortest.
func durationUnits() []durationUnit {
	return []durationUnit{{"w", 7 * day}, {"d", day}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}}
}

func formatDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	out := ""
	for _, u := range durationUnits()[1:] { // days are what people count in
		if n := d / u.length; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + u.name
			d %= u.length
		}
	}
	return out
}
