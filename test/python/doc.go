// Package python holds the merge against programs that nobody here wrote it for: the examples in Django and Flask, run by gunicorn and by
// uWSGI, whose workers are killed and replaced under load. What was answered is known to whoever asked, and is what the merge must tell.
package python
