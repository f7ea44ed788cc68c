module github.com/drover-db/drover/test

go 1.26.0

require github.com/drover-db/drover v0.0.0

replace github.com/drover-db/drover => ../
