// Package demo holds small applications that use only the instrument library, as a user would, and what runs them.
//
// clicks counts how often a button was hit; dogwalk keeps walkers, dogs and walks; latency takes a random time to answer, and
// can be broken; servicewindow exports what only its database knows. All are real: they have pages, a health check and metrics,
// and run as several worker processes. traffic visits them when nobody is there to do so.
package demo
