;; tries: to fill the disk with one file
;; outcome: OutputTooLarge
(call $open)
(loop $again
  (br_if $again (call $append (i32.const 0) (i32.const 65536))))
unreachable
