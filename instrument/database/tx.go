package database

import "database/sql/driver"

// tx counts a commit or rollback that fails. That it happened is not counted: it is no execution of a statement of the
// application's.
type tx struct {
	raw  driver.Tx
	conn *conn
}

func (c *conn) measuredTx(raw driver.Tx) driver.Tx {
	if c.tx.raw != nil {
		return &tx{raw: raw, conn: c}
	}
	c.tx = tx{raw: raw, conn: c}
	return &c.tx
}

func (t *tx) Commit() error   { return t.end(driver.Tx.Commit) }
func (t *tx) Rollback() error { return t.end(driver.Tx.Rollback) }

func (t *tx) end(how func(driver.Tx) error) error {
	if t.raw == nil {
		return driver.ErrBadConn
	}
	raw, c := t.raw, t.conn
	if t == &c.tx {
		*t = tx{}
	}
	err := how(raw)
	if err != nil {
		c.handle.Failed(err)
	}
	return err
}
