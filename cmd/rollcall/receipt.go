package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"
)

// receipt tells what an erasure has done, to somebody who knows the id: who was erased is told by SHA-256 of salt and id.
type receipt struct {
	Salt     string    `json:"salt"`
	Users    []string  `json:"users_sha256"`
	Begun    time.Time `json:"begun"`
	Finished time.Time `json:"finished"`
	Removed  found     `json:"removed"`
	Build    uint32    `json:"build"`    // made without them; all before were deleted
	Archive  string    `json:"archive"`  // equal: it has the sums of the ledger; or why not; or none
	Verified bool      `json:"verified"` // log, archive and quarantine were searched again, and hold nothing of them
	Remains  []remains `json:"remains"`
}

// remains is a place that an erasure doesn't reach.
type remains struct {
	Where string `json:"where"`
	Until string `json:"until"`
}

func (r *receipt) name() string { return "erase-" + r.Salt[:16] + ".json" }

// receipt tells of an erasure that is done but for its end.
func (i *intent) receipt(left ...remains) *receipt {
	r := &receipt{Salt: i.Salt, Begun: i.Begun, Finished: time.Now().UTC(), Removed: i.Found, Build: i.Build, Verified: true, Archive: "none", Remains: left}
	for _, u := range i.Users {
		sum := sha256.Sum256([]byte(i.Salt + u))
		r.Users = append(r.Users, hex.EncodeToString(sum[:]))
	}
	return r
}

// keep writes a receipt into a directory.
func (r *receipt) keep(data string) error {
	dir := filepath.Join(data, receiptsDir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	body, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, r.name()), append(body, '\n'))
}
