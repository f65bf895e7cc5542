"""How clients reach a node: one TCP port for WebSockets and HTTP, sessions with token login, and bounds on it all.

    site ─► connection (WebSocket) ─► session (who, rate, decode, role) ─► ask ─► answer
                                        presence: player ─► sessions ─► pushes

Reading order: `limits`, `ports`, `session`, `connection`, `site`, `gateway`, `listen`; `tokens` stands alone.
"""
