// Package merge makes one truthful scrape out of the several worker processes of a replica.
//
// A [Merger] reads every worker's own metrics endpoint on its own clock (250 ms) and keeps a ledger of totals. Scrapes
// are answered from memory: they never wait for a worker, and any number of them costs one rendering per reading.
//
// # Counters, histograms, summaries
//
// A worker generation is one life of a worker process: pid and start time from the header
// "Truecount-Worker: pid=…; start=…; state=…", or, for programs that don't send it, the endpoint's address and
// process_start_time_seconds. The ledger adds what each reading of a generation has more than the one before. Totals
// therefore never go down while the Merger lives, a worker's end needs no bookkeeping, and ten thousand dead
// generations cost a scrape nothing. A value that is lower than before was reset inside the worker: it counts from zero
// again, and the total goes on. A generation that vanishes and comes back is continued, not added twice. Sums of
// floating point numbers are exact (correctly rounded whatever the order), so that they cannot creep down either.
//
// An endpoint is one process. Of a program that tells neither header nor start time, a restart is seen only by values
// that are lower; what it counted up to the former value is then not noticed.
//
// What may be lost: a worker that drains (state=drained) hands over its last totals and loses nothing. A worker that is
// killed loses what it counted since its last successful reading began: at most one interval, plus the time that one
// answer takes. Whatever the wall clock does has no effect.
//
// Classic histograms with different bounds are merged on the bounds they share, where cumulative counts are exact; sum
// and count stay exact. Native histograms are added at the coarser resolution; beside workers that have none, only the
// classic buckets are exposed. The newest exemplar of each bucket is kept. A total was created when the oldest of its workers
// says that it began. Quantiles of summaries can't be merged and are dropped, sum and count are kept. The type and help
// that were seen first win.
//
// # Gauges
//
// Gauges, and untyped metrics which are treated alike, are of live workers only. They leave with the first reading that
// fails: a value nobody stands for any more is not shown. By default they are added up over workers, which is right for
// requests in flight, goroutines and memory. These are not, and have another mode; Options.Gauges changes any of them
// and adds others:
//
//	process_start_time_seconds, *_created                        min
//	*_info, *_timestamp_seconds, go_memstats_last_gc_time_seconds, go_memstats_gc_cpu_fraction,
//	go_gc_gogc_percent, go_sched_gomaxprocs_threads, process_virtual_memory_max_bytes    max
//	go_gc_gomemlimit_bytes                                       min
//	migrations_applied, instrument_collector_success, instrument_web_config_good             min
//	migrations_unapplied, instrument_collector_duration_seconds                              max
//
// the last two lines with any prefix, and the migrations under django-prometheus' names as well.
//
// Most recent means: changed last, in the order of readings, not by any clock. All adds the label pid.
//
// # Restarts
//
// With Options.State, totals outlive the process, however it ends. What a scrape has seen was on the disk before: a scrape that
// finds newer readings than those saved waits for them to be saved, together with all others that come meanwhile, at most
// once for each round of readings. It waits for half a second; then it is answered nevertheless, and
// truecount_merge_state_healthy is 0 until the state has been saved in time again. Besides, it is saved within a second or so
// when a worker has ended (what that handed over is nowhere else), and by Close.
//
// The state has the totals, what each worker said last, and the names of workers that ended long ago. A Merger that goes on
// from it adds what living workers have counted meanwhile, once. A worker that died while nobody read keeps what was saved.
// Gauges are not saved. Of a program that tells neither header nor start time, a restart in between is seen only by values
// that are lower. A state that is damaged is refused whole, set aside and said; then totals begin again. A [Group] takes totals
// from memory and does not wait for them to be saved.
//
// # Faults
//
// Every worker has a deadline of its own and is read concurrently. One that hangs is marked down (worker_up 0), its last
// counts stand, and when it wakes it is continued. Limits bound the size of an answer, its series and the series
// retained. Whatever is left out is counted in truecount_merge_* metrics, which are part of the merged exposition.
//
// All exported methods may be called concurrently.
package merge
