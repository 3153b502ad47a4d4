package database_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

// gossip is a driver that shows its data source name in each error, when it is opened or when it connects.
type gossip struct{ connects bool }

var errGossip = errors.New("invalid data source name")

func (g gossip) OpenConnector(name string) (driver.Connector, error) {
	if !g.connects {
		return nil, fmt.Errorf("%w %q", errGossip, name)
	}
	return gossipConnector{g, name}, nil
}

func (g gossip) Open(string) (driver.Conn, error) { return nil, errGossip }

type gossipConnector struct {
	gossip
	name string
}

func (c gossipConnector) Connect(context.Context) (driver.Conn, error) {
	return nil, fmt.Errorf("%w: %s", errGossip, c.name)
}
func (c gossipConnector) Driver() driver.Driver { return c.gossip }

// tell opens and connects, and returns the error of the one that fails.
func tell(h *database.Handle, driverName, dataSourceName string) error {
	db, err := h.Open(driverName, dataSourceName)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Ping()
}

// gossips returns the names of the two.
func gossips() []string {
	return []string{register(gossip{}), register(gossip{connects: true})}
}

func TestAPasswordIsInNoError(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	h := s.metrics.Handle("default", database.PostgreSQL)
	for _, driverName := range gossips() {
		for name, test := range map[string]struct{ dsn, secret string }{
			"a URL":                         {"postgres://walker:hunter2@db/kennel", "hunter2"},
			"a URL with an escaped one":     {"postgres://walker:p%40ss%2Fword@db/kennel", "p%40ss%2Fword"},
			"a URL that should be escaped":  {"postgres://walker:p@ss/w%zz@db/kennel", "ss/w%zz"},
			"a URL whose user has the name": {"postgres://postgres:postgres@db/kennel", ":postgres@"},
			"MySQL's":                       {"walker:hunter2@tcp(db:3306)/kennel?x=a@b", "hunter2"},
			"settings":                      {"host=db user=walker password=hunter2 dbname=kennel", "hunter2"},
			"settings in quotes":            {`host=db password='it\'s "hunter" 2' dbname=kennel`, `hunter`},
			"settings of ODBC":              {"server=db;uid=walker;Pwd={hunter;2};database=kennel", "hunter;2"},
			"a query":                       {"file:kennel.db?password=hunter2&mode=ro", "hunter2"},
		} {
			err := tell(h, driverName, test.dsn)
			if err == nil || strings.Contains(err.Error(), test.secret) {
				t.Errorf("%s: %v", name, err)
			}
			if !errors.Is(err, errGossip) {
				t.Errorf("%s: is no longer the driver's error: %v", name, err)
			}
		}
		if err := tell(h, driverName, "postgres://db/kennel"); !strings.Contains(err.Error(), "db/kennel") {
			t.Error("without a password the driver's words are kept:", err)
		}
	}
	for series := range expose(t, s) {
		if strings.Contains(series, "hunter") {
			t.Error(series)
		}
	}
}

func FuzzAPasswordIsInNoError(f *testing.F) {
	for _, seed := range []string{"hunter2", "p@ss", "a b'c", `\'"`, "100%", "ü", "p:w@h/?#x", "}{", "+", "\x00"} {
		f.Add(seed)
	}
	h := handle(f)
	drivers := gossips()
	f.Fuzz(func(t *testing.T, password string) {
		if len(password) < 4 || strings.Contains("postgres://walker:@db.example/kennel host= password='' withheld", password) {
			return // a word of the data source name or the message itself, which no one could leave out
		}
		quoted := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(password)
		for _, dsn := range []string{
			(&url.URL{Scheme: "postgres", User: url.UserPassword("walker", password), Host: "db.example", Path: "/kennel"}).String(),
			"postgres://walker:" + password + "@db.example/kennel",
			"host=db.example password='" + quoted + "'",
		} {
			for _, driverName := range drivers {
				if err := tell(h, driverName, dsn); err == nil || strings.Contains(err.Error(), password) &&
					!strings.Contains("database \"default\": the driver's error is withheld because it shows the password; "+
						"look for characters in the data source name that must be escaped", password) {
					t.Errorf("%q shows the password: %v", dsn, err)
				}
			}
		}
	})
}

func FuzzErrorsOfAnyCodeAreClassified(f *testing.F) {
	f.Add("23505", 19)
	f.Add("", -1)
	f.Add("ZZ\xff00", 1<<20)
	known := map[database.Class]bool{}
	for _, class := range database.Classes() {
		known[class] = true
	}
	f.Fuzz(func(t *testing.T, state string, code int) {
		for _, err := range []error{stateError(state), codeError(code), mattnError{Code: errNo(code)}, mysql(uint16(code), state),
			errors.Join(codeError(code), stateError(state))} {
			if class := database.ClassOf(err); !known[class] {
				t.Errorf("%v has the unknown class %q", err, class)
			}
		}
	})
}
