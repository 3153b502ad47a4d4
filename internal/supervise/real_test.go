package supervise

import "errors"

func runRealWorker() error { return errors.New("not yet") }
