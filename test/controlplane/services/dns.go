package services

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
)

// Domain is the cluster's. A pod's resolver tries names below it too, see resolv.conf in package kubelet.
const Domain = "cluster.local"

// names answers SERVICE.NAMESPACE.svc.cluster.local with the service's address, or with its pods' when it has none itself.
type names struct {
	services  corelisters.ServiceLister
	endpoints func(namespace, service string) []string
	conn      net.PacketConn
	running   sync.WaitGroup
}

func listenDNS(services corelisters.ServiceLister, endpoints func(namespace, service string) []string) (*names, error) {
	conn, err := net.ListenPacket("udp", netip.AddrPortFrom(DNS, 53).String())
	if err != nil {
		return nil, err
	}
	n := &names{services: services, endpoints: endpoints, conn: conn}
	n.running.Go(n.serve)
	return n, nil
}

func (n *names) stop() {
	n.conn.Close()
	n.running.Wait()
}

func (n *names) serve() {
	packet := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(packet)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		if answer, err := n.answer(packet[:size]); err == nil {
			n.conn.WriteTo(answer, from)
		}
	}
}

func (n *names) answer(packet []byte) ([]byte, error) {
	var question dnsmessage.Message
	if err := question.Unpack(packet); err != nil {
		return nil, err
	}
	answer := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: question.ID, Response: true, Authoritative: true, RecursionDesired: question.RecursionDesired},
		Questions: question.Questions,
	}
	for _, q := range question.Questions {
		addresses, exists := n.lookUp(q.Name.String())
		if !exists {
			answer.RCode = dnsmessage.RCodeNameError
		}
		if q.Type != dnsmessage.TypeA {
			continue // there are no other addresses
		}
		for _, address := range addresses {
			answer.Answers = append(answer.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1},
				Body:   &dnsmessage.AResource{A: address.As4()},
			})
		}
	}
	return answer.Pack()
}

func (n *names) lookUp(name string) ([]netip.Addr, bool) {
	short, below := strings.CutSuffix(strings.ToLower(name), ".svc."+Domain+".")
	service, namespace, two := strings.Cut(short, ".")
	if !below || !two {
		return nil, false
	}
	found, err := n.services.Services(namespace).Get(service)
	if err != nil {
		return nil, false
	}
	texts := []string{found.Spec.ClusterIP}
	if found.Spec.ClusterIP == corev1.ClusterIPNone {
		texts = n.endpoints(namespace, service)
	}
	var addresses []netip.Addr
	for _, text := range texts {
		if address, err := netip.ParseAddr(text); err == nil && address.Is4() {
			addresses = append(addresses, address)
		}
	}
	return addresses, true
}
