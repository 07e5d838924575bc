;; tries: to take all memory of the machine
;; job: memory=16MiB
;; outcome: OutOfMemory
(loop $again
  (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
unreachable
