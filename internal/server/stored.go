package server

import (
	"context"

	"github.com/prometheus/prometheus/scrape"
	"github.com/prometheus/prometheus/storage"
)

// storedTeller is the storage of the scrape manager; it tells of each scrape whose samples were committed.
type storedTeller struct {
	storage.AppendableV2
	stored func(label func(name string) string)
}

// tellStored returns the storage itself if nobody wants to be told.
func tellStored(s storage.AppendableV2, stored func(label func(name string) string)) storage.AppendableV2 {
	if stored == nil {
		return s
	}
	return storedTeller{s, stored}
}

// AppenderV2 implements [storage.AppendableV2].
func (t storedTeller) AppenderV2(ctx context.Context) storage.AppenderV2 {
	appender := t.AppendableV2.AppenderV2(ctx)
	target, known := scrape.TargetFromContext(ctx)
	if !known {
		return appender
	}
	return tellingAppender{appender, func() { t.stored(target.GetValue) }}
}

type tellingAppender struct {
	storage.AppenderV2
	committed func()
}

func (a tellingAppender) Commit() error {
	err := a.AppenderV2.Commit()
	if err == nil {
		a.committed()
	}
	return err
}
