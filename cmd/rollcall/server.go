package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// servedAt is the file in a data directory that tells where its server listens.
const servedAt = "server.json"

type serverFile struct {
	Address string `json:"address"`
	PID     int    `json:"pid"`
}

func announce(dir, address string) error {
	body, err := json.Marshal(serverFile{address, os.Getpid()})
	if err != nil {
		return err
	}
	return writeFile(filepath.Join(dir, servedAt), append(body, '\n'))
}

func retract(dir string) error {
	return os.Remove(filepath.Join(dir, servedAt))
}

// held explains that another process has the data directory.
func held(dir string, err error) error {
	body, readErr := os.ReadFile(filepath.Join(dir, servedAt))
	var s serverFile
	if readErr != nil || json.Unmarshal(body, &s) != nil {
		return fmt.Errorf("%w: another rollcall is at work in %s; wait for it to end", err, dir)
	}
	return errors.Join(err, fmt.Errorf("a server (process %d) holds %s: add --server %s", s.PID, dir, s.Address))
}
