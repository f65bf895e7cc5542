"""What an operator needs: logs, metrics, the audit."""
