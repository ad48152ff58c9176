"""Models answer the user's data; what they got right, and how long it took.

    spec = describe_spec("digits.npz")                                  # dataset: the user's data, brought to one form
    dataset = gather(spec, interface(model, signature), scratch)        # ports: names, types and shapes of a model
    with Evaluating(dataset, parse_metric("top-1"), scratch) as e:      # runner: in a child process, however it ends
        evaluation = e.evaluate(path, subject="int8")
    with Trying(BOTH) as trying:                                        # trial: does it run at all, and in which
        trials = trying(path)                                           # runtime: they have different kernels
    with Observing(dataset=dataset) as observing:                       # observing: what is seen while it runs
        usage = observing.usage(path)
    steps = stepped(path, {"x": frames}, [("h", "h_out")])              # stepping: call by call, its states going on

In the child: `gathering` (the user's functions), `interpreters`, `program` (one signature in an interpreter),
`samples`, `predicting` (batches where they are proven), `trying`, `tracing` (where a NaN comes from), `carrying`
(states from call to call); `watching` (keeps every tensor), `calls`, `ranges`, `usage`, `part_times` and `cutting`
(some operators as a model). On both sides: `npz`, `metrics`, `requests`; in the parent `shortening` (which operator
kills). TensorFlow is imported only to read a folder of `tf.data.Dataset.save`, and of it the interpreter alone to
call models that were just converted.
"""
