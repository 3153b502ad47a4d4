package database

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/truecount/truecount/demo/service"
)

// FromEnv reads the address from DATABASE_URL, or from DB_NAME, DB_USER, DB_PASSWORD, DB_HOST and DB_PORT; it is a SQLite
// file of that name if none of them is set. Its errors never contain a password.
func FromEnv(getenv func(string) string, file string) (Address, error) {
	url, name := getenv("DATABASE_URL"), getenv("DB_NAME")
	if url != "" && name != "" {
		return Address{}, errors.New("DATABASE_URL and DB_NAME: the database is given twice: set only one of the two")
	}
	if url != "" {
		address, err := ParseURL(url)
		if err != nil {
			return Address{}, fmt.Errorf("DATABASE_URL: %w", err)
		}
		return address, nil
	}
	for _, variable := range []string{"DB_NAME", "DB_USER", "DB_HOST"} {
		if getenv(variable) == "" && inParts(getenv) {
			return Address{}, fmt.Errorf("%s is not set, but another DB_ variable is: PostgreSQL needs DB_NAME, DB_USER and DB_HOST", variable)
		}
	}
	if name == "" {
		return SQLite(file), nil
	}
	port, err := service.Whole(getenv, "DB_PORT", 5432, 1, 65535)
	if err != nil {
		return Address{}, err
	}
	return Postgres{
		Name: name, User: getenv("DB_USER"), Password: getenv("DB_PASSWORD"), Host: getenv("DB_HOST"), Port: strconv.Itoa(port),
	}.Address(), nil
}

// inParts reports whether any of the variables is set that give PostgreSQL's address in parts.
func inParts(getenv func(string) string) bool {
	return getenv("DB_NAME")+getenv("DB_USER")+getenv("DB_PASSWORD")+getenv("DB_HOST")+getenv("DB_PORT") != ""
}
