package kubelet

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Image is what a container image has, for the ones that are run: a static program and how it is started.
type Image struct {
	// Name without tag or digest: registry.example/clicks.
	Name string
	// Program is the file on this machine, Path where the image has it.
	Program, Path string
	// Env are NAME=value pairs.
	Env []string
}

// image finds what a container runs; nil when its image is not known.
func (k *Kubelet) image(container *corev1.Container) *Image {
	for i := range k.opts.Images {
		image := &k.opts.Images[i]
		tag, found := strings.CutPrefix(container.Image, image.Name)
		if found && (tag == "" || tag[0] == ':' || tag[0] == '@') {
			return image
		}
	}
	return nil
}

// command is the entry point, or what replaces it, and the arguments, with $(NAME) replaced.
func (i *Image) command(container *corev1.Container, env map[string]string) []string {
	command := []string{i.Path}
	if len(container.Command) > 0 {
		command = append([]string{}, container.Command...)
	}
	command = append(command, container.Args...)
	for n, word := range command {
		for name, value := range env {
			word = strings.ReplaceAll(word, "$("+name+")", value)
		}
		command[n] = word
	}
	return command
}
