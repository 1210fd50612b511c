package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"rollcall/query"
	"rollcall/store"
)

// Letters reads the quarantine.
type Letters interface {
	Letters(ctx context.Context, q store.LetterQuery) ([]store.DeadLetter, error)
	CountLetters(ctx context.Context, most int) ([]store.LetterCount, error)
}

const (
	countedLetters = 100_000 // the newest, which are counted by reason
	defaultLetters = 50
	maxLetters     = 200
	maxRaw         = 4 << 10 // bytes of a record that are shown
	maxWords       = 1 << 10 // bytes of its source and of its detail
	maxPage        = 1 << 20 // bytes of the records of a page
)

// quarantined is a page of the quarantine, newest first.
type quarantined struct {
	Total   int64          `json:"total"` // counted: of all that there are, at most the newest 100,000
	More    bool           `json:"more"`  // there are older ones than those counted
	Reasons []letterReason `json:"reasons"`
	Letters []letter       `json:"letters"`
	Next    int64          `json:"next,omitzero"` // the before of the page after this one
}

type letterReason struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
	Newest string `json:"newest"`
}

type letter struct {
	Number   int64  `json:"number"`
	At       string `json:"at"`
	Source   string `json:"source"`
	Reason   string `json:"reason"`
	Detail   string `json:"detail"`
	Bytes    int    `json:"bytes"`
	Raw      string `json:"raw"`
	Encoding string `json:"encoding"` // of raw: utf-8 or base64
	Cut      bool   `json:"cut"`      // raw is only the beginning
}

// quarantine shows what could not be accepted. It is users' data as they came, so it wants a key where there are any.
func (s *server) quarantine(w http.ResponseWriter, r *http.Request) {
	if status := s.allowed(r); status != 0 {
		w.Header().Set("WWW-Authenticate", "Bearer")
		s.writeProblem(w, r, problem{Type: "about:blank", Status: status, Detail: "send a valid key as Authorization: Bearer KEY, or as X-Api-Key: the records are users' data"})
		return
	}
	page, err := s.readQuarantine(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	s.writeJSON(w, r, page)
}

func (s *server) allowed(r *http.Request) (status int) {
	if s.Allowed == nil {
		return 0
	}
	return s.Allowed(r.Header)
}

func (s *server) readQuarantine(r *http.Request) (*quarantined, error) {
	values, err := parameters(r)
	if err != nil {
		return nil, err
	}
	asked, err := lettersAsked(values)
	if err != nil {
		return nil, err
	}
	counts, err := s.Letters.CountLetters(r.Context(), countedLetters)
	if err != nil {
		return nil, err
	}
	limit := asked.Limit
	asked.Limit++ // one more tells whether there is another page
	letters, err := s.Letters.Letters(r.Context(), asked)
	if err != nil {
		return nil, err
	}
	page := &quarantined{Reasons: []letterReason{}, Letters: []letter{}}
	for _, c := range counts {
		page.Total += c.Count
		page.Reasons = append(page.Reasons, letterReason{shown(c.Reason), c.Count, s.instant(time.UnixMilli(c.Newest))})
	}
	page.More = page.Total == countedLetters
	if len(letters) > limit {
		letters = letters[:limit]
		if limit > 0 {
			page.Next = letters[limit-1].Number
		}
	}
	return page, s.fill(page, letters)
}

// fill puts letters into the page. When there is no room for one, that begins the next page.
func (s *server) fill(page *quarantined, letters []store.DeadLetter) error {
	room := maxPage
	for i := range letters {
		l := s.letter(&letters[i])
		text, err := json.Marshal(l) // a control character takes six bytes
		if err != nil {
			return err
		}
		if room -= len(text); room < 0 {
			page.Next = letters[i-1].Number // the first has room: it is cut
			return nil
		}
		page.Letters = append(page.Letters, l)
	}
	return nil
}

func (s *server) letter(l *store.DeadLetter) letter {
	shownOf := letter{Number: l.Number, At: s.instant(time.UnixMilli(l.At)), Source: shown(l.Source), Reason: shown(l.Reason), Detail: shown(l.Detail),
		Bytes: l.Bytes, Cut: l.Bytes > len(l.Raw), Encoding: "utf-8"}
	raw := whole(l.Raw, shownOf.Cut)
	if shownOf.Raw = string(raw); !utf8.Valid(raw) {
		shownOf.Raw, shownOf.Encoding = base64.StdEncoding.EncodeToString(raw), "base64"
	}
	return shownOf
}

// whole takes off the character that a cut went through.
func whole(text []byte, cut bool) []byte {
	for i := 0; cut && i < utf8.UTFMax && len(text) > i; i++ {
		if at := len(text) - 1 - i; utf8.RuneStart(text[at]) {
			if !utf8.FullRune(text[at:]) {
				return text[:at]
			}
			break
		}
	}
	return text
}

// shown is a text of bounded length in valid UTF-8.
func shown(text string) string {
	if len(text) > maxWords {
		text = string(whole([]byte(text[:maxWords]), true)) + "…"
	}
	if utf8.ValidString(text) {
		return text
	}
	return fmt.Sprintf("%q", text)
}

var letterParameters = []string{"before", "limit", "reason"}

func lettersAsked(values url.Values) (store.LetterQuery, error) {
	q := store.LetterQuery{Newest: true, Limit: defaultLetters, MaxRaw: maxRaw, Reason: values.Get("reason")}
	for name := range values {
		var err error
		switch text := values.Get(name); name {
		case "before":
			q.Before, err = numberIn(name, text, 1, 1<<62)
		case "limit":
			var limit int64
			limit, err = numberIn(name, text, 0, maxLetters)
			q.Limit = int(limit)
		case "reason":
		default:
			err = &query.BadRequest{Param: name, Detail: "unknown parameter", Valid: letterParameters}
		}
		if err != nil {
			return q, err
		}
	}
	return q, nil
}

func numberIn(name, text string, least, most int64) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < least || n > most {
		return 0, &query.BadRequest{Param: name, Detail: fmt.Sprintf("is %q", text), Valid: []string{fmt.Sprintf("a whole number from %d to %d", least, most)}}
	}
	return n, nil
}

func (s *server) describeQuarantine() object {
	whole := func(least, most int64) object { return object{"type": "integer", "minimum": least, "maximum": most} }
	return object{"summary": "What could not be accepted, newest first",
		"description": "Where the server has API keys, one is needed. The newest 100,000 are counted by reason; of a record, the first 4 KiB are shown. A page ends early after about 1 MiB.",
		"security":    array{object{}, object{"bearer": array{}}, object{"key": array{}}},
		"parameters": array{parameter("before", "Only records with a smaller number: the next of the page before.", whole(1, 1<<62)),
			parameter("limit", "Most records; "+strconv.Itoa(defaultLetters)+" unless given.", whole(0, maxLetters)),
			parameter("reason", "Only records with this reason.", object{"type": "string"})},
		"responses": refused(object{"200": response("A page of records.", content("application/json", schema[quarantined](), nil))}, "400", "401", "403", "500", "503")}
}
