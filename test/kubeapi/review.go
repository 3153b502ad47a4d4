package kubeapi

import (
	"encoding/json"
	"net/http"
	"path"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
)

// review answers the questions that an aggregated server asks about its clients. A token is the name of its user.
func (s *Server) review(w http.ResponseWriter, req *http.Request) {
	switch path.Base(req.URL.Path) {
	case "tokenreviews":
		var r authenticationv1.TokenReview
		if json.NewDecoder(req.Body).Decode(&r) != nil {
			fail(w, http.StatusBadRequest, "no review")
			return
		}
		if r.Spec.Token != "" && r.Spec.Token != "unknown" {
			r.Status = authenticationv1.TokenReviewStatus{Authenticated: true, User: authenticationv1.UserInfo{Username: r.Spec.Token}}
		}
		answer(w, r)
	case "subjectaccessreviews":
		var r authorizationv1.SubjectAccessReview
		if json.NewDecoder(req.Body).Decode(&r) != nil {
			fail(w, http.StatusBadRequest, "no review")
			return
		}
		r.Status.Allowed = s.allowed(r.Spec.User, r.Spec.ResourceAttributes, r.Spec.NonResourceAttributes)
		answer(w, r)
	case "selfsubjectaccessreviews":
		var r authorizationv1.SelfSubjectAccessReview
		if json.NewDecoder(req.Body).Decode(&r) != nil {
			fail(w, http.StatusBadRequest, "no review")
			return
		}
		r.Status.Allowed = s.allowed("self", r.Spec.ResourceAttributes, r.Spec.NonResourceAttributes)
		answer(w, r)
	default:
		fail(w, http.StatusNotFound, req.URL.Path+" is not found")
	}
}

func (s *Server) allowed(user string, r *authorizationv1.ResourceAttributes, other *authorizationv1.NonResourceAttributes) bool {
	s.mu.Lock()
	allow := s.allow
	s.mu.Unlock()
	if allow == nil {
		return true
	}
	if r != nil {
		return allow(user, r.Verb, path.Join(r.Namespace, r.Resource, r.Subresource))
	}
	return allow(user, other.Verb, other.Path)
}
