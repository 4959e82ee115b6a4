"""Messages to people who play journeys: by e-mail (SMTP), and by SMS over a gateway that takes HTTP."""
