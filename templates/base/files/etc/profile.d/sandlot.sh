export SHELL=/bin/bash
export PS1='\w $ '
