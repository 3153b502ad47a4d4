package main

import (
	"testing"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"
)

func TestK1WhoAsksAndWhetherTheyMayIsKnownBeforeAnAnswerIsDue(t *testing.T) {
	set := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	var serving servingFlags
	serving.register(set)
	var values valuesFlags
	values.register(set)

	// Time bounds all tries together to learn who asks, and each one to learn what they may.
	identity, rights := serving.options.Authentication, serving.options.Authorization
	longest := identity.TokenRequestTimeout + time.Duration(rights.WebhookRetryBackoff.Steps)*rights.ClientTimeout + pauses(rights.WebhookRetryBackoff)
	if longest >= values.timeout {
		t.Errorf("it may take %s, and the whole answer %s", longest, values.timeout)
	}
}

// pauses are the longest ones between tries, together.
func pauses(b *wait.Backoff) (sum time.Duration) {
	pause := float64(b.Duration)
	for range b.Steps - 1 {
		sum += time.Duration(pause * (1 + b.Jitter))
		pause *= b.Factor
	}
	return sum
}
