module github.com/truecount/truecount/instrument

go 1.26.0

require (
	github.com/prometheus/client_golang v1.24.1 // indirect
	github.com/prometheus/client_model v0.6.2 // indirect
	go.uber.org/goleak v1.3.0 // indirect
)
