module slugbuilder-bench/layer

go 1.21
