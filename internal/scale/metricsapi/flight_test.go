package metricsapi

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestThoseWhoAskTheSameAtTheSameMomentShareOneAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlights[int](t.Context(), time.Second, 10, discard())
		asked := 0
		work := func(context.Context) (int, error) {
			asked++
			time.Sleep(100 * time.Millisecond) // in the bubble's time
			return asked, nil
		}
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				if got, err := f.do(t.Context(), "same", work); got != 1 || err != nil {
					t.Errorf("got %d, %v", got, err)
				}
			})
		}
		group.Wait()
		if got, _ := f.do(t.Context(), "same", work); got != 2 {
			t.Errorf("who asks later gets answer %d, an old one", got)
		}
		f.close()
		if _, err := f.do(t.Context(), "same", work); !errors.Is(err, errEnding) {
			t.Errorf("after the end: %v", err)
		}
	})
}

func TestAClientThatLeavesTakesNothingFromTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlights[int](t.Context(), time.Second, 10, discard())
		work := func(ctx context.Context) (int, error) {
			select {
			case <-time.After(100 * time.Millisecond):
				return 1, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() {
			if _, err := f.do(leaving, "same", work); !errors.Is(err, context.Canceled) {
				t.Errorf("the one who left got %v", err)
			}
		})
		synctest.Wait()
		group.Go(func() {
			if got, err := f.do(t.Context(), "same", work); got != 1 || err != nil {
				t.Errorf("the one who stayed got %d, %v", got, err)
			}
		})
		synctest.Wait()
		leave()
		group.Wait()
		f.close()
	})
}

func TestClientsThatAskAndLeaveHaveNoMoreWorkDoneThanOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlights[int](t.Context(), 5*time.Second, 2, discard())
		work := func(ctx context.Context) (int, error) {
			select {
			case <-time.After(time.Second):
				return 1, nil
			case <-ctx.Done():
				return 0, ctx.Err()
			}
		}
		leaving, leave := context.WithCancel(t.Context())
		leave()
		for _, key := range []string{"a", "b"} {
			if _, err := f.do(leaving, key, work); !errors.Is(err, context.Canceled) {
				t.Errorf("who left got %v", err)
			}
		}
		if _, err := f.do(t.Context(), "c", work); resultOf(err) != tooMany {
			t.Errorf("a third question got %v", err)
		}
		if got, err := f.do(t.Context(), "b", work); got != 1 || err != nil {
			t.Errorf("who asks what is asked already got %d, %v", got, err)
		}
		if got, err := f.do(t.Context(), "c", work); got != 1 || err != nil {
			t.Errorf("after the others the third got %d, %v", got, err)
		}
		f.close()
	})
}

func TestK1AnAnswerThatDoesNotComeIsAnErrorInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFlights[int](t.Context(), 5*time.Second, 10, discard())
		began := time.Now()
		_, err := f.do(t.Context(), "same", func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		if resultOf(err) != timedOut || time.Since(began) != 5*time.Second {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
		f.close()
	})
}

func TestAFaultOfOneAnswerEndsNothingElse(t *testing.T) {
	f := newFlights[int](t.Context(), time.Second, 10, discard())
	if _, err := f.do(t.Context(), "same", func(context.Context) (int, error) { panic("a mistake") }); err == nil || resultOf(err) != fault {
		t.Errorf("got %v", err)
	}
	if got, err := f.do(t.Context(), "same", func(context.Context) (int, error) { return 1, nil }); got != 1 || err != nil {
		t.Errorf("the next one got %d, %v", got, err)
	}
	f.close()
}
