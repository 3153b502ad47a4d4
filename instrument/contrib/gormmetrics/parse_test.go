package gormmetrics

import "testing"

func TestStatementsAboutSavepointsAreRead(t *testing.T) {
	for sql, want := range map[string]struct {
		verb verb
		name string
	}{
		"SAVEPOINT sp1":                        {save, "sp1"},
		" savepoint\n\"Sp 1\" ":                {none, ""}, // a name with a blank
		"SAVEPOINT `sp1`;":                     {save, "sp1"},
		"SAVE TRANSACTION sp1":                 {save, "sp1"},
		"save tran [sp1]":                      {save, "sp1"},
		"ROLLBACK TO SAVEPOINT sp1":            {rollbackTo, "sp1"},
		"ROLLBACK TO sp1":                      {rollbackTo, "sp1"},
		"ROLLBACK WORK TO SAVEPOINT sp1":       {rollbackTo, "sp1"},
		"ROLLBACK TRANSACTION TO sp1":          {rollbackTo, "sp1"},
		"ROLLBACK TRANSACTION sp1":             {rollbackTo, "sp1"},
		"ROLLBACK TO savepoint":                {rollbackTo, "savepoint"},
		"RELEASE SAVEPOINT sp1":                {release, "sp1"},
		"RELEASE sp1":                          {release, "sp1"},
		"/* web */ SAVEPOINT sp1 /*a*/ /*b*/;": {save, "sp1"},
		"/* SAVEPOINT sp1":                     {none, ""},
		"/*/ SAVEPOINT sp1 */":                 {none, ""},
		"/* SAVEPOINT sp1 */":                  {none, ""},
		"ROLLBACK":                             {none, ""},
		"ROLLBACK WORK":                        {none, ""},
		"ROLLBACK TRANSACTION":                 {none, ""},
		"SAVEPOINT":                            {none, ""},
		"SAVE":                                 {none, ""},
		"":                                     {none, ""},
		";":                                    {none, ""},
		"INSERT INTO savepoints VALUES (1)":    {none, ""},
		"SAVEPOINT a; DELETE FROM dogs":        {none, ""},
		"UPDATE dogs SET name = 'SAVEPOINT'":   {none, ""},
		"SELECT release FROM savepoint":        {none, ""},
		"release_lock('a')":                    {none, ""},
		"ROLLBACK PREPARED 'a'":                {none, ""},
		"ROLLBACK AND CHAIN":                   {none, ""},
		"SAVEPOINT a" + string(make([]byte, longest)): {none, ""},
	} {
		if verb, name := parseSavepoint(sql); verb != want.verb || name != want.name {
			t.Errorf("%.40q: got %d %q, want %d %q", sql, verb, name, want.verb, want.name)
		}
	}
}

func FuzzStatementsAreReadWithoutPanic(f *testing.F) {
	for _, sql := range []string{"SAVEPOINT a", "ROLLBACK TO SAVEPOINT \"a\"", "RELEASE a;", "SAVE TRAN x", "ROLLBACK TRAN", "; ;", "SELECT 1", "/*/*/ SAVEPOINT a */"} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if verb, name := parseSavepoint(sql); (verb == none) && name != "" || len(name) > len(sql) {
			t.Errorf("%q is read as %d %q", sql, verb, name)
		}
	})
}
