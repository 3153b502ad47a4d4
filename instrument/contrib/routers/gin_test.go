package routers_test

import (
	"fmt"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/truecount/truecount/instrument"
)

// gin knows the route before its middlewares run. What gin.Recovery answers after a panic is a response like others:
// without it, the panic is counted as well.
func Example_gin() {
	m, err := instrument.New(instrument.Options{Registry: prometheus.NewRegistry()})
	if err != nil {
		fmt.Println(err)
		return
	}
	gin.SetMode(gin.ReleaseMode)
	router := gin.New()
	router.HandleMethodNotAllowed = true
	router.Use(func(c *gin.Context) { instrument.SetRoute(c.Writer, c.FullPath()) })
	router.GET("/walks/:id", func(c *gin.Context) { c.String(200, c.Param("id")) })
	router.GET("/broken", func(*gin.Context) { panic("broken") })

	visit(m, m.Middleware(router))
	// Output:
	// http_panics_total{route="/broken",type="string"} 1
	// http_requests_total{method="GET",route="/broken",status="500"} 1
	// http_requests_total{method="GET",route="/walks/:id",status="200"} 2
	// http_requests_total{method="GET",route="unmatched",status="404"} 1
	// http_requests_total{method="POST",route="unmatched",status="405"} 1
}
