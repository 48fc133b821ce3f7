"""User-defined functions (UDFs): code of users, run in a sandbox.

- `runtimes`: which languages, versions and libraries there are;
- `code`: the source code that `run_udf` is given, fetched where it is named;
- `preparation`: callbacks with their code in them, so that they can be sent to any process;
- `on_blocks`, `on_cubes`, `on_vectors`, `results`: what a UDF is given for a value, and what its answer is as a value;
- `call`: the call itself, with errors and the log;
- `services`, `documents`: the call of a UDF that is elsewhere, and what is sent there and comes back;
- `values`: data for the sandbox, and what came back of it as data;
- `place`: where in a cube a block lies, for the labels that a UDF is given;
- `blocks`: callbacks with UDFs carried through data cubes;
- `pool`, `sandbox`, `channel`: processes that are reused for blocks of a computation, one of them, talking to it;
- `isolation`, `seccomp`: what shuts them in;
- `runner`: the only file of ours that is inside.
"""
