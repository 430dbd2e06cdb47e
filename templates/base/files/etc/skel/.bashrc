# Read by interactive shells, and by login shells through .profile. Lines added at the end count for both.
if [[ $- == *i* ]]; then
  HISTCONTROL=ignoreboth
  shopt -s histappend checkwinsize
  PS1='\w $ '
  alias ls='ls --color=auto'
  alias grep='grep --color=auto'
  alias ll='ls -alF'
fi
