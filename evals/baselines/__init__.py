"""What the agent is compared with: other ways to plan with the same chat model.

Both see the same catalogue, the same request and the same names of attachments as the agent does,
and neither is given anything that it gets wrong a second time.
"""
