"""A recipe judged on all labelled pages: runs that each keep a fold of them aside, and their figures."""
