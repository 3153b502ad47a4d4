package merge_test

const envWorkerProcess = "TRUECOUNT_MERGE_TEST_WORKER"

func workerProcess() {}
