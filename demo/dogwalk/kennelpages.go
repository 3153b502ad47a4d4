package dogwalk

import (
	"context"
	"errors"
	"net/http"

	"github.com/truecount/truecount/demo/dogwalk/store"
)

// kennelPage lists dogs and walkers and takes new ones.
type kennelPage struct {
	Dogs      []store.Dog
	Walkers   []store.Walker
	Sizes     []store.Size
	Medium    store.Size // what a new dog is if nobody says so
	NewDog    form
	NewWalker form
}

func (a *App) showKennel(w http.ResponseWriter, r *http.Request) {
	a.kennel(w, r, http.StatusOK, kennelPage{})
}

func (a *App) kennel(w http.ResponseWriter, r *http.Request, status int, page kennelPage) {
	ctx, cancel := patient(r)
	defer cancel()
	var dogsErr, walkersErr error
	page.Dogs, dogsErr = a.store.Dogs(ctx)
	page.Walkers, walkersErr = a.store.Walkers(ctx)
	if err := errors.Join(dogsErr, walkersErr); err != nil {
		a.fail(w, r, err)
		return
	}
	page.Sizes, page.Medium = store.Sizes(), store.DefaultSize
	a.show(w, status, "kennel", page)
}

// listKennel is the kennel for programs.
func (a *App) listKennel(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := patient(r)
	defer cancel()
	dogs, dogsErr := a.store.Dogs(ctx)
	walkers, walkersErr := a.store.Walkers(ctx)
	if err := errors.Join(dogsErr, walkersErr); err != nil {
		a.fail(w, r, err)
		return
	}
	type dog struct {
		ID   int64      `json:"id"`
		Name string     `json:"name"`
		Size store.Size `json:"size"`
		Age  int        `json:"age"`
	}
	type walker struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	list := struct {
		Dogs    []dog    `json:"dogs"`
		Walkers []walker `json:"walkers"`
	}{[]dog{}, []walker{}}
	for _, d := range dogs {
		list.Dogs = append(list.Dogs, dog{d.ID, d.Name, d.Size, d.Age})
	}
	for _, w := range walkers {
		list.Walkers = append(list.Walkers, walker{w.ID, w.Name}) // an address is nobody's business
	}
	a.answer(w, list)
}

func (a *App) addDog(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r, "name", "size", "age")
	if err != nil {
		a.fail(w, r, err)
		return
	}
	dog := f.dog()
	if !f.valid() {
		a.kennel(w, r, http.StatusBadRequest, kennelPage{NewDog: f})
		return
	}
	a.change(w, r, func(ctx context.Context) error {
		_, err := a.store.AddDog(ctx, dog)
		return err
	})
}

func (a *App) addWalker(w http.ResponseWriter, r *http.Request) {
	f, err := readForm(w, r, "name", "email")
	if err != nil {
		a.fail(w, r, err)
		return
	}
	walker := f.walker()
	if !f.valid() {
		a.kennel(w, r, http.StatusBadRequest, kennelPage{NewWalker: f})
		return
	}
	a.change(w, r, func(ctx context.Context) error {
		_, err := a.store.AddWalker(ctx, walker)
		return err
	})
}

func (a *App) deleteDog(w http.ResponseWriter, r *http.Request) {
	a.change(w, r, func(ctx context.Context) error { return a.store.DeleteDog(ctx, id(r)) })
}

func (a *App) deleteWalker(w http.ResponseWriter, r *http.Request) {
	a.change(w, r, func(ctx context.Context) error { return a.store.DeleteWalker(ctx, id(r)) })
}

// change does something to the kennel and goes back to its page.
func (a *App) change(w http.ResponseWriter, r *http.Request, do func(context.Context) error) {
	ctx, cancel := patient(r)
	defer cancel()
	if err := do(ctx); err != nil {
		a.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/kennel", http.StatusSeeOther)
}
