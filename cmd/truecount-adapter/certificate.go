package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/truecount/truecount/internal/hint"
)

const certificateHelp = `Makes the certificate that the adapter shows and tells the API server to expect it, where no cert-manager does so: an authority of
its own for this one service, whose key is thrown away, and a certificate of it.

Written to DIRECTORY, which deploy/adapter/kubernetes/certificate is made for:
  secret.yaml     the certificate and its key, which only the adapter may have: don't commit it
  cabundle.yaml   a patch of the APIServices with the authority's certificate

A new certificate is the same step again: apply both; the adapter takes it without a restart. For a change without a moment in
which the API server does not know it, give the old authority too: --keep cabundle.yaml.

Examples:
  truecount-adapter certificate deploy/adapter/kubernetes/certificate
  truecount-adapter certificate --service monitoring/truecount-adapter --valid 2160h certificate`

type certificateFlags struct {
	service string
	valid   time.Duration
	keep    string
}

func newCertificate() *cobra.Command {
	var f certificateFlags
	cmd := &cobra.Command{
		Use:   "certificate DIRECTORY",
		Short: "make the certificate that the API server expects of the adapter",
		Long:  certificateHelp,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return hint.Errorf("see: truecount-adapter certificate --help", "want one directory, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	cmd.Flags().StringVar(&f.service, "service", "truecount/truecount-adapter", "`NAMESPACE/NAME` of the adapter's service")
	cmd.Flags().DurationVar(&f.valid, "valid", 365*24*time.Hour, "`TIME` that the certificate is valid")
	cmd.Flags().StringVar(&f.keep, "keep", "", "`FILE`, an earlier cabundle.yaml whose authorities stay accepted")
	return cmd
}

// backdated is how long before now a certificate begins to be valid: the clocks of machines differ.
const backdated = 5 * time.Minute

func (f *certificateFlags) run(cmd *cobra.Command, dir string) error {
	namespace, name, found := strings.Cut(f.service, "/")
	if dns := regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`); !found || !dns.MatchString(namespace) || !dns.MatchString(name) {
		return hint.Errorf("write it as truecount/truecount-adapter", "--service %q is no namespace and name", f.service)
	}
	if f.valid < time.Hour {
		return hint.Errorf("write it as 8760h, which is a year", "--valid %v is less than an hour", f.valid)
	}
	kept, err := keptBundle(f.keep)
	if err != nil {
		return err
	}
	authority, certificate, key, err := issue([]string{name + "." + namespace + ".svc", name + "." + namespace + ".svc.cluster.local"}, f.valid)
	if err != nil {
		return fmt.Errorf("making the certificate: %w", err)
	}
	secret := fmt.Sprintf(`# Made by truecount-adapter certificate. It has a private key: don't commit it.
apiVersion: v1
kind: Secret
metadata:
  name: %s-serving
  namespace: %s
  labels: {app.kubernetes.io/name: %s}
type: kubernetes.io/tls
data:
  ca.crt: %s
  tls.crt: %s
  tls.key: %s
`, name, namespace, name, b64(authority), b64(certificate), b64(key))
	if err := writeNew(filepath.Join(dir, "secret.yaml"), secret, 0o600); err != nil {
		return err
	}
	patch := fmt.Sprintf(`# Made by truecount-adapter certificate: whose certificates the API server accepts of the adapter. There is no secret in it.
- op: add
  path: /spec/caBundle
  value: %s
`, b64(append(authority, kept...)))
	if err := writeNew(filepath.Join(dir, "cabundle.yaml"), patch, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n%s\n", filepath.Join(dir, "secret.yaml"), filepath.Join(dir, "cabundle.yaml"))
	return err
}

func b64(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

// keptBundle returns the certificates of an earlier patch.
func keptBundle(file string) ([]byte, error) {
	if file == "" {
		return nil, nil
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, hint.Errorf("give the path of an earlier cabundle.yaml", "--keep: %w", err)
	}
	value := regexp.MustCompile(`(?m)^  value: ([A-Za-z0-9+/=]+)$`).FindSubmatch(data)
	if value == nil {
		return nil, hint.Errorf("give the path of an earlier cabundle.yaml", "--keep: %s has no value", file)
	}
	bundle, err := base64.StdEncoding.DecodeString(string(value[1]))
	if err != nil || !x509.NewCertPool().AppendCertsFromPEM(bundle) {
		return nil, hint.Errorf("give the path of an earlier cabundle.yaml", "--keep: %s has no certificate", file)
	}
	return bundle, nil
}

// writeNew writes a file in whole or not at all, and with its rights from the beginning.
func writeNew(path, text string, mode fs.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	temporary, err := os.CreateTemp(filepath.Dir(path), ".certificate-*")
	if err != nil {
		return err
	}
	defer os.Remove(temporary.Name())
	_, err = temporary.WriteString(text)
	if err = errors.Join(err, temporary.Chmod(mode), temporary.Close()); err != nil {
		return err
	}
	return os.Rename(temporary.Name(), path)
}

// issue makes an authority and a certificate of it for the names, each as PEM. The authority's key is not kept: it can sign nothing
// else.
func issue(names []string, valid time.Duration) (authority, certificate, key []byte, err error) {
	rootKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	serial := func() *big.Int {
		n, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		return n
	}
	from := time.Now().Add(-backdated)
	root := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "truecount-adapter of " + from.UTC().Format("2006-01-02 15:04")}, NotBefore: from, NotAfter: from.Add(valid + backdated),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, root, root, &rootKey.PublicKey, rootKey)
	if err != nil {
		return nil, nil, nil, err
	}
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, nil, err
	}
	leaf := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: names[0]}, DNSNames: names, NotBefore: from, NotAfter: root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &leafKey.PublicKey, rootKey)
	if err != nil {
		return nil, nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(leafKey)
	if err != nil {
		return nil, nil, nil, err
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	return block("CERTIFICATE", rootDER), block("CERTIFICATE", leafDER), block("PRIVATE KEY", keyDER), nil
}
