package database

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// An Address says where the tables are. Its String never shows a password.
type Address struct {
	path string // SQLite's file
	dsn  string // PostgreSQL's connection string, with the password
	name string // what may be shown
}

// String names the database for logs and errors.
func (a Address) String() string { return a.name }

// SQLite is the address of a database in the file at path.
func SQLite(path string) Address {
	return Address{path: path, name: "sqlite file " + path}
}

// ParseURL reads a database address: postgres://user:password@host:port/name, sqlite:path (or sqlite:///absolute/path),
// or simply the path of a SQLite file. Its errors never contain the address, which may hold a password.
func ParseURL(s string) (Address, error) {
	scheme, rest, found := strings.Cut(s, ":")
	switch {
	case s == "":
		return Address{}, errors.New("the database address is empty")
	case !found || strings.ContainsAny(scheme, "/.\\"):
		return SQLite(s), nil
	case scheme == "sqlite" || scheme == "file":
		path := strings.TrimPrefix(rest, "//")
		if path == "" || path == ":memory:" {
			return Address{}, errors.New("a sqlite address needs the path of a file, because several processes share it")
		}
		return SQLite(path), nil
	case scheme == "postgres" || scheme == "postgresql":
		return parsePostgres(s)
	}
	return Address{}, fmt.Errorf("unknown database %q: want postgres://… or the path of a sqlite file", scheme)
}

func parsePostgres(s string) (Address, error) {
	u, err := url.Parse(s)
	if err != nil {
		return Address{}, errNotPostgres
	}
	name := strings.TrimPrefix(u.Path, "/")
	host := cmp.Or(u.Host, u.Query().Get("host"), "the local socket")
	// With a slash too many or too few, user and password end up in another part, and would be shown.
	if name == "" || strings.ContainsAny(name, ":@/") || strings.Contains(host, "@") {
		return Address{}, errNotPostgres
	}
	return Address{dsn: s, name: fmt.Sprintf("postgres database %s at %s", name, host)}, nil
}

var errNotPostgres = errors.New("not a valid address: want postgres://user:password@host:port/name")

// Postgres holds what PostgreSQL's address consists of. A Host that begins with a slash is the directory of a unix socket.
type Postgres struct {
	Name, User, Password, Host, Port string
}

// Address puts the parts together.
func (p Postgres) Address() Address {
	var dsn []string
	for _, part := range [][2]string{
		{"host", p.Host}, {"port", p.Port}, {"user", p.User}, {"password", p.Password}, {"dbname", p.Name},
	} {
		if part[1] != "" {
			dsn = append(dsn, part[0]+"='"+quoteDSN.Replace(part[1])+"'")
		}
	}
	return Address{
		dsn:  strings.Join(dsn, " "),
		name: fmt.Sprintf("postgres database %s at %s port %s", p.Name, p.Host, p.Port),
	}
}

// quoteDSN follows libpq's rule for values in single quotes.
var quoteDSN = strings.NewReplacer(`\`, `\\`, `'`, `\'`)
