package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"sync"
)

// A stateError is an error of the database itself, with its SQLSTATE.
type stateError struct{ state, text string }

func (e *stateError) Error() string    { return e.text + " (SQLSTATE " + e.state + ")" }
func (e *stateError) SQLState() string { return e.state }

// What goes wrong by the script.
var (
	errHang = errors.New("no answer")
	errLost = errors.New("the connection is lost")
)

// A database is a driver with one table in memory, whose key is unique. Faults come by a
// script, one entry for each statement and each commit; nil is none, and so is its end.
type database struct {
	mu     sync.Mutex // protects what follows
	script []error
	orders map[string]bool
}

func newDatabase() *database {
	met := &stateError{"40001", "could not serialize access due to concurrent update"}
	return &database{orders: map[string]bool{}, script: []error{
		met, nil, met, nil, nil, // order-1: at its statement, at its commit, committed
		nil,               // order-1
		errLost, nil, nil, // order-2: at its statement, committed
		nil, errLost, // order-3: at its commit
		nil,                       // order-3
		errHang, errHang, errHang, // order-4
	}}
}

// fault lets what the script says come next go wrong.
func (d *database) fault(ctx context.Context) error {
	err := d.next()
	if errors.Is(err, errHang) {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (d *database) next() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.script) == 0 {
		return nil
	}
	first := d.script[0]
	d.script = d.script[1:]
	return first
}

// Connect implements driver.Connector.
func (d *database) Connect(context.Context) (driver.Conn, error) { return &conn{database: d}, nil }

// Driver implements driver.Connector.
func (d *database) Driver() driver.Driver { return d }

// Open implements driver.Driver.
func (d *database) Open(string) (driver.Conn, error) { return d.Connect(context.Background()) }

// A conn is one connection, with its transaction.
type conn struct {
	*database
	lost    bool
	pending []string // orders that the transaction has inserted
}

// BeginTx implements driver.ConnBeginTx.
func (c *conn) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return c, nil }

// ExecContext implements driver.ExecerContext. The statement is always the same.
func (c *conn) ExecContext(ctx context.Context, _ string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.fault(ctx); err != nil {
		c.lost = errors.Is(err, errLost)
		return nil, err
	}
	id, _ := args[0].Value.(string)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.orders[id] {
		return nil, &stateError{"23505", "duplicate key value violates unique constraint"}
	}
	c.pending = append(c.pending, id)
	return driver.RowsAffected(1), nil
}

// Commit implements driver.Tx. It has committed when the connection is lost.
func (c *conn) Commit() error {
	err := c.fault(context.Background())
	c.lost = errors.Is(err, errLost)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil || c.lost {
		for _, id := range c.pending {
			c.orders[id] = true
		}
	}
	c.pending = nil
	return err
}

// Rollback implements driver.Tx.
func (c *conn) Rollback() error {
	c.pending = nil
	return nil
}

// IsValid implements driver.Validator: database/sql keeps no connection that is lost.
func (c *conn) IsValid() bool { return !c.lost }

// Close implements driver.Conn.
func (c *conn) Close() error { return nil }

// Prepare implements driver.Conn.
func (c *conn) Prepare(string) (driver.Stmt, error) { return nil, driver.ErrSkip }

// Begin implements driver.Conn.
func (c *conn) Begin() (driver.Tx, error) { return c, nil }
