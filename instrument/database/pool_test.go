package database_test

import (
	"database/sql"
	"testing"
	"testing/synctest"
	"time"

	"github.com/truecount/truecount/instrument"
	"github.com/truecount/truecount/instrument/database"
)

func TestThePoolIsExposedInBaseUnits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, instrument.PrometheusNames, database.Options{})
		s.db.SetMaxOpenConns(2)
		s.db.SetMaxIdleConns(1)
		first, _ := s.db.Conn(t.Context())
		second, _ := s.db.Conn(t.Context())
		waiting := make(chan *sql.Conn)
		go func() {
			third, _ := s.db.Conn(t.Context())
			waiting <- third
		}()
		synctest.Wait()
		<-time.After(1500 * time.Millisecond)
		if got := expose(t, s); got[`db_pool_connections{state="in_use"}`] != 2 || got["db_pool_max_connections"] != 2 {
			t.Error("while all are in use:", got)
		}
		first.Close()
		third := <-waiting
		second.Close()
		third.Close()
		got := expose(t, s)
		for series, want := range map[string]float64{
			`db_pool_connections{state="idle"}`:       1,
			`db_pool_connections{state="in_use"}`:     0,
			`db_pool_waits_total`:                     1,
			`db_pool_wait_seconds_total`:              1.5,
			`db_pool_closed_total{reason="max_idle"}`: 1,
		} {
			if got[series] != want {
				t.Errorf("%s is %v, want %v", series, got[series], want)
			}
		}
		s.db.Close()
	})
}

func TestAClosedPoolKeepsItsCountsAndADatabaseOpenedAnewAddsToThem(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	h := s.metrics.Handle("default", database.PostgreSQL)
	use := func(db *sql.DB) {
		db.SetMaxIdleConns(-1) // each connection is closed after use
		if err := db.Ping(); err != nil {
			t.Fatal(err)
		}
	}
	use(s.db)
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	const closed = `db_pool_closed_total{reason="max_idle"}`
	if got := expose(t, s); got[closed] != 1 || got["db_pool_max_connections"] != 0 {
		t.Error("after it was closed:", got[closed], got["db_pool_max_connections"])
	}
	again := h.OpenDB(s.memory)
	defer again.Close()
	use(again)
	if got := expose(t, s)[closed]; got != 2 {
		t.Error("after it was opened again:", got)
	}
}

func TestPoolsOfOneDatabaseAreAddedUp(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	h := s.metrics.Handle("replicas", database.MySQL)
	const idle = `db_pool_connections{alias="replicas",state="idle",vendor="mysql"}`
	if _, exposed := expose(t, s)[idle]; exposed {
		t.Error("a pool that does not exist is exposed")
	}
	pool := func() database.PoolState { return database.PoolState{MaxConnections: 4, Idle: 3, Waits: 5} }
	stop := h.WatchPool(pool)
	defer h.WatchPool(pool)()
	if got := expose(t, s)[idle]; got != 6 {
		t.Error("idle connections of two pools:", got)
	}
	stop()
	stop()
	got := expose(t, s)
	if got[idle] != 3 || got[`db_pool_waits_total{alias="replicas",vendor="mysql"}`] != 10 ||
		got[`db_pool_max_connections{alias="replicas",vendor="mysql"}`] != 4 {
		t.Error("after one stopped:", got)
	}
}

func TestAWrappedConnectorsPoolIsWatchedByHand(t *testing.T) {
	s := serve(t, instrument.PrometheusNames, database.Options{})
	h := s.metrics.Handle("other", database.SQLite)
	db := sql.OpenDB(h.Wrap(s.memory))
	defer db.Close()
	defer h.WatchDB(db)()
	if err := db.Ping(); err != nil {
		t.Fatal(err)
	}
	got := expose(t, s)
	if got[`db_pool_connections{alias="other",state="idle",vendor="sqlite"}`] != 1 ||
		got[`db_connections_opened_total{alias="other",vendor="sqlite"}`] != 1 {
		t.Error(got)
	}
}
