package model_test

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
	"testing"
)

var errRefused = errors.New("constraint violated")

func TestTheResultOfAStatementIsCountedOnlyIfItSucceeded(t *testing.T) {
	f := newOperations(t, "dog")
	dogs := f.Model("dog")
	for name, count := range map[string]func(sql.Result, error) (sql.Result, error){
		"inserts": dogs.InsertedBy, "updates": dogs.UpdatedBy, "deletes": dogs.DeletedBy,
	} {
		result, err := count(driver.RowsAffected(3), nil)
		if n, _ := result.RowsAffected(); n != 3 || err != nil {
			t.Errorf("%s: the result is not handed on: %v, %v", name, result, err)
		}
		if result, err := count(nil, errRefused); result != nil || !errors.Is(err, errRefused) {
			t.Errorf("%s: the error is not handed on: %v, %v", name, result, err)
		}
		if _, err := count(driver.RowsAffected(5), errRefused); !errors.Is(err, errRefused) {
			t.Errorf("%s: the error is not handed on: %v", name, err)
		}
		if result, err := count(nil, nil); result != nil || err != nil {
			t.Errorf("%s: no result becomes %v, %v", name, result, err)
		}
	}
	f.expect(t, "inserts dog 3", "updates dog 3", "deletes dog 3")
}

func TestADriverThatCannotTellTheRowsIsLoggedOnce(t *testing.T) {
	f := newOperations(t, "dog")
	for range 3 {
		if _, err := f.Model("dog").InsertedBy(driver.ResultNoRows, nil); err != nil {
			t.Errorf("the statement succeeded, and yet: %v", err)
		}
	}
	f.expect(t)
	if logged := f.logged.String(); strings.Count(logged, "\n") != 1 || !strings.Contains(logged, "does not say how many rows") {
		t.Errorf("logged: %s", logged)
	}
}
