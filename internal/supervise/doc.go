// Package supervise runs a service on one machine: replicas of several worker processes of one command, on one
// listening socket that all of them share.
//
// A replica is what a pod is on Kubernetes, and is named the same way: clicks-0, clicks-1, …. [Service.Scale] sets how
// many there are; the control loop in [Service.Run] converges on it, replaces workers that die, and drains those that
// are no longer wanted.
//
// The socket is handed over by the socket-activation convention of systemd (sd_listen_fds(3)): descriptor 3, with
// LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES. It is in non-blocking mode, and stays so: a worker whose accept call
// blocked could not stop accepting when it drains, and would take one more connection down with it. Because the
// listener outlives every worker, a connection is never refused while workers come and go: it waits in the queue.
//
// Nothing outlives the supervisor. Each worker leads a process group of its own. On Linux the kernel kills a worker
// whose supervisor dies; everywhere a small guard process (a shell) ends the groups, with whatever the workers
// started, when the supervisor is gone without having said good-bye. A process that leaves its group (setsid) leaves
// this promise too.
package supervise
