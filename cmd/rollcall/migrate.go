package main

import (
	"fmt"

	"rollcall/store/mysql"
)

type migrateCmd struct{ Settings }

func (c *migrateCmd) Help() string {
	return `Makes the tables of a store of kind mysql, or brings them up to date. Processes that run go on: changes only add.
Examples:
  ROLLCALL_STORE_DSN='mysql://owner:…@mysql:3306/rollcall' rollcall migrate --config rollcall.yaml`
}

func (c *migrateCmd) Run(e *world) error {
	cfg, err := c.config(e.environ)
	if err != nil {
		return err
	}
	if cfg.StoreKind != kindMySQL {
		fmt.Fprintln(e.err, "a store of kind sqlite is migrated when it is opened; there is nothing to do")
		return nil
	}
	m, err := mysqlOf(&cfg, e.logger)
	if err != nil {
		return err
	}
	if err := mysql.Migrate(e.ctx, m); err != nil {
		return err
	}
	fmt.Fprintln(e.err, "the store is up to date")
	return nil
}
