package main

import (
	"errors"
	"strings"

	"rollcall/redisaddr"
)

// hidden is printed instead of what nobody else should read.
const hidden = "(hidden)"

type (
	secret    string
	secrets   []string
	address   string // may hold a user and a password
	addresses []string
	dsn       string // likewise
)

func (s *secret) set(v any) error {
	plain, ok := v.(string)
	if !ok {
		return errors.New("want text; put it in quotes")
	}
	*s = secret(plain)
	return nil
}

func (s *secret) plain() any {
	if *s == "" {
		return ""
	}
	return hidden
}

func (s *secrets) set(v any) error {
	if err := (*list)(s).set(v); err != nil {
		return errors.New("want a list of texts, such as [a, b]; put each in quotes")
	}
	return nil
}

func (s *secrets) plain() any {
	shown := make([]string, len(*s))
	for i := range shown {
		shown[i] = hidden
	}
	return shown
}

func (a *address) set(v any) error {
	plain, ok := v.(string)
	if !ok {
		return errors.New("want text, such as 127.0.0.1:6379; put it in quotes")
	}
	*a = address(strings.TrimSpace(plain))
	return nil
}

// plain hides the user and the password, and all of an address that can't be understood.
func (a *address) plain() any {
	if _, err := redisaddr.Parse(string(*a)); err != nil {
		return hidden
	}
	before, rest, _ := strings.Cut(string(*a), "://")
	if rest == "" {
		before, rest = "", before
	} else {
		before += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = hidden + rest[at:]
	}
	return before + rest
}

func (a *addresses) set(v any) error { return (*list)(a).set(v) }

func (a *addresses) plain() any {
	shown := make([]string, len(*a))
	for i := range shown {
		shown[i] = (*address)(&(*a)[i]).plain().(string)
	}
	return shown
}

func (d *dsn) set(v any) error { return (*address)(d).set(v) }

// plain shows what comes after the user and the password, and nothing of what has no place for them.
func (d *dsn) plain() any {
	at := strings.LastIndexByte(string(*d), '@')
	switch {
	case *d == "":
		return ""
	case at < 0:
		return hidden
	}
	rest, _, _ := strings.Cut(string(*d)[at:], "?")
	return hidden + rest
}
