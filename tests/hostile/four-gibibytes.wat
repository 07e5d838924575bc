;; tries: to begin with 4 GiB of memory
;; job: memory=16MiB
;; outcome: OutOfMemory
(module (memory (export "memory") 65536) (func (export "_start")))
