package main

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestCPUGrowsWithWhatAProcessComputes(t *testing.T) {
	before, err := cpu(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	// It ends when the kernel has counted; how long that takes is the machine's matter.
	for after := before; after < before+3*tick; {
		for i, n := 0, 1; i < 1_000_000; i++ {
			n *= i | 1
			runtime.KeepAlive(n)
		}
		if after, err = cpu(os.Getpid()); err != nil {
			t.Fatal(err)
		}
		if after > before+time.Hour {
			t.Fatalf("%v of CPU in no time: the unit is wrong", after-before)
		}
	}
}

func TestThePeakOfMemoryIsForgotten(t *testing.T) {
	const size = 64 << 20
	large := make([]byte, size)
	for i := range large {
		large[i] = 1
	}
	m, err := memory(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if m.peak < size || m.now < size || m.peak < m.now {
		t.Errorf("%d bytes are used, and it is %+v", size, m)
	}
	runtime.KeepAlive(large)
	if err := forgetPeak(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	if _, err := memory(1 << 30); err == nil {
		t.Error("a process that is none has memory")
	}
}
