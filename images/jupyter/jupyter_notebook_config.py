c = get_config()

c.NotebookApp.ip = "0.0.0.0"
c.NotebookApp.port = 8888
c.NotebookApp.open_browser = False
c.NotebookApp.notebook_dir = "/home/person"
# The gateway has checked the person already, under a host name that this container doesn't know.
c.NotebookApp.token = ""
c.NotebookApp.password = ""
c.NotebookApp.allow_remote_access = True
c.NotebookApp.trust_xheaders = True
c.NotebookApp.quit_button = False
# Boards show it in a frame; the gateway's own header says whose.
c.NotebookApp.tornado_settings = {"headers": {"Content-Security-Policy": ""}}
