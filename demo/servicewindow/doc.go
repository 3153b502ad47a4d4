// Package servicewindow keeps components and the times at which they are in service, and exports both as metrics whose
// names and labels only the database knows:
//
//	<component>_service_window_last_start   Unix seconds
//	<component>_service_window_last_end     Unix seconds; the end that was last, not the one to come
//	<component>_service_window_next_start   Unix seconds
//	<component>_service_window_next_end     Unix seconds
//	<component>_service_window_in_window    1 or 0
//
// A component that is inserted, by the page or by anybody who can write to the table, is there at the next scrape; one that
// is deleted is gone.
package servicewindow
