;; tries: to run for ever before its first function is called
;; outcome: OutOfFuel
(module
  (memory (export "memory") 1)
  (func $begin (loop $again (br $again)))
  (start $begin)
  (func (export "_start")))
