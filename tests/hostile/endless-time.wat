;; tries: to keep a processor for longer than was agreed, with all the fuel of the world
;; job: fuel=9e15 time=5s price=3.6
;; outcome: OutOfTime
(loop $again (br $again))
