package server

func ingestUntilKilled(string) {}
