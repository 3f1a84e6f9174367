"""`python -m dockerfile_frontend.gateway`: what BuildKit starts; see `process.py`."""

if __name__ == "__main__":
    from dockerfile_frontend.postponed import postpone_inspect

    postpone_inspect()  # before dataclasses ask for it
    from dockerfile_frontend.gateway.process import main

    main()
