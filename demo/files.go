package demo

import "embed"

//go:embed clicks/truecount.yaml dogwalk/truecount.yaml latency/truecount.yaml servicewindow/truecount.yaml local.yaml
var embedded embed.FS

// File is one of the demos' own files, as it stands in the repository.
type File struct {
	Name    string // as demo/clicks/truecount.yaml
	Content []byte
}

// Files returns the demos' application files and what says how this machine runs them. They are the examples that the
// documentation points to, and what `truecount up` runs.
func Files() []File {
	var files []File
	for _, name := range []string{"clicks/truecount.yaml", "dogwalk/truecount.yaml", "latency/truecount.yaml", "servicewindow/truecount.yaml", "local.yaml"} {
		content, err := embedded.ReadFile(name)
		if err != nil {
			panic(err) // go:embed has it, or this package does not compile
		}
		files = append(files, File{Name: "demo/" + name, Content: content})
	}
	return files
}
