package main

import (
	"fmt"
)

type configCmd struct {
	Check configCheckCmd `cmd:"" help:"Name everything that is wrong with the configuration."`
	Print configPrintCmd `cmd:"" help:"Print the configuration in force as YAML, secrets hidden."`
}

type configCheckCmd struct{ Settings }

func (c *configCheckCmd) Help() string {
	return `Examples:
  rollcall config check --config rollcall.yaml
  ROLLCALL_SESSION_GAP=45m rollcall config check`
}

func (c *configCheckCmd) Run(e *world) error {
	_, problems := c.load(e.environ)
	for _, p := range problems {
		fmt.Fprintln(e.out, p)
	}
	if n := len(problems); n > 0 {
		return usageError(fmt.Sprintf("problems: %d", n))
	}
	fmt.Fprintln(e.out, "the configuration is good")
	return nil
}

type configPrintCmd struct{ Settings }

func (c *configPrintCmd) Help() string {
	return `Examples:
  rollcall config print
  rollcall config print --config rollcall.yaml --session-gap 1h`
}

func (c *configPrintCmd) Run(e *world) error {
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	body, err := yamlOf(&cfg)
	if err != nil {
		return err
	}
	_, err = e.out.Write(body)
	return err
}
